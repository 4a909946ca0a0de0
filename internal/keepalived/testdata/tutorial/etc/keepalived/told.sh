#!/bin/sh
logger "keepalived: $1"
