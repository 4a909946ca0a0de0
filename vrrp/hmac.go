package vrrp

import (
	"crypto/md5"
	"crypto/sha256"
)

// HMAC (RFC 2104) over a buffer whose first block is free for the key and whose rest is
// the message. Package crypto/hmac allocates on every call; this does not. A key is no
// longer than a block.

func hmacSHA256(b, key []byte) [sha256.Size]byte {
	fillPad(b[:sha256.BlockSize], key, 0x36)
	inner := sha256.Sum256(b)
	var outer [sha256.BlockSize + sha256.Size]byte
	fillPad(outer[:sha256.BlockSize], key, 0x5c)
	copy(outer[sha256.BlockSize:], inner[:])
	return sha256.Sum256(outer[:])
}

func hmacMD5(b, key []byte) [md5.Size]byte {
	fillPad(b[:md5.BlockSize], key, 0x36)
	inner := md5.Sum(b)
	var outer [md5.BlockSize + md5.Size]byte
	fillPad(outer[:md5.BlockSize], key, 0x5c)
	copy(outer[md5.BlockSize:], inner[:])
	return md5.Sum(outer[:])
}

// fillPad fills a block with the padded key, combined with a byte.
func fillPad(block, key []byte, pad byte) {
	clear(block)
	copy(block, key)
	for i := range block {
		block[i] ^= pad
	}
}
