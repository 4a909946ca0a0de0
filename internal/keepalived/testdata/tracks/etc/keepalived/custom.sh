#!/bin/sh
exec /opt/app/selftest "$1"
