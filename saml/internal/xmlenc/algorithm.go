// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmlenc

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" // 3DES only with Options.AllowTripleDES
	"crypto/rand"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
)

// Block encryption algorithms.
const (
	AES128GCM = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
	AES192GCM = "http://www.w3.org/2009/xmlenc11#aes192-gcm"
	AES256GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
	AES128CBC = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
	AES192CBC = "http://www.w3.org/2001/04/xmlenc#aes192-cbc"
	AES256CBC = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
	TripleDES = "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"
)

// Key transport algorithms: RSA-OAEP with MGF1 over SHA-1, and with MGF1 over
// a hash of choice.
const (
	RSAOAEPMGF1P = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
	RSAOAEP      = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
)

// Digest algorithms of RSA-OAEP.
const (
	DigestSHA1   = "http://www.w3.org/2000/09/xmldsig#sha1"
	DigestSHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	DigestSHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	DigestSHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
)

const (
	ns          = "http://www.w3.org/2001/04/xmlenc#"
	ns11        = "http://www.w3.org/2009/xmlenc11#"
	nsDSig      = "http://www.w3.org/2000/09/xmldsig#"
	typeElement = ns + "Element"
	typeKey     = ns + "EncryptedKey"
)

func digest(algorithm string) (crypto.Hash, bool) {
	switch algorithm {
	case "", DigestSHA1:
		return crypto.SHA1, true
	case DigestSHA256:
		return crypto.SHA256, true
	case DigestSHA384:
		return crypto.SHA384, true
	case DigestSHA512:
		return crypto.SHA512, true
	}
	return 0, false
}

func mgf(algorithm string) (crypto.Hash, bool) {
	switch algorithm {
	case "", ns11 + "mgf1sha1":
		return crypto.SHA1, true
	case ns11 + "mgf1sha256":
		return crypto.SHA256, true
	case ns11 + "mgf1sha384":
		return crypto.SHA384, true
	case ns11 + "mgf1sha512":
		return crypto.SHA512, true
	}
	return 0, false
}

// algorithm is a block encryption algorithm.
type algorithm struct {
	key           int // bytes
	authenticated bool
	block         func(key []byte) (cipher.Block, error)
}

func algorithmOf(uri string) (algorithm, bool) {
	switch uri {
	case AES128GCM:
		return algorithm{16, true, aes.NewCipher}, true
	case AES192GCM:
		return algorithm{24, true, aes.NewCipher}, true
	case AES256GCM:
		return algorithm{32, true, aes.NewCipher}, true
	case AES128CBC:
		return algorithm{16, false, aes.NewCipher}, true
	case AES192CBC:
		return algorithm{24, false, aes.NewCipher}, true
	case AES256CBC:
		return algorithm{32, false, aes.NewCipher}, true
	case TripleDES:
		return algorithm{24, false, des.NewTripleDESCipher}, true
	}
	return algorithm{}, false
}

// open decrypts; ok is false for any reason at all. The ciphertext is
// overwritten.
func (a algorithm) open(key, data []byte) (plain []byte, ok bool) {
	if len(key) != a.key {
		return nil, false
	}
	block, err := a.block(key)
	if err != nil {
		return nil, false
	}
	if a.authenticated {
		gcm, err := cipher.NewGCM(block)
		if err != nil || len(data) < gcm.NonceSize()+gcm.Overhead() {
			return nil, false
		}
		plain, err = gcm.Open(data[gcm.NonceSize():gcm.NonceSize()], data[:gcm.NonceSize()], data[gcm.NonceSize():], nil)
		return plain, err == nil
	}
	size := block.BlockSize()
	if len(data) < 2*size || len(data)%size != 0 {
		return nil, false
	}
	iv, data := data[:size], data[size:]
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	// XML Encryption 5.2: the last byte counts the padding, whose other bytes
	// are arbitrary.
	pad := int(data[len(data)-1])
	if pad < 1 || pad > size {
		return nil, false
	}
	return data[:len(data)-pad], true
}

// seal encrypts under a new key.
func (a algorithm) seal(plain []byte) (key, data []byte, err error) {
	key = make([]byte, a.key)
	rand.Read(key) // never fails
	block, err := a.block(key)
	if err != nil {
		return nil, nil, err
	}
	if a.authenticated {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil, nil, err
		}
		data = make([]byte, gcm.NonceSize(), gcm.NonceSize()+len(plain)+gcm.Overhead())
		rand.Read(data)
		return key, gcm.Seal(data, data, plain, nil), nil
	}
	size := block.BlockSize()
	pad := size - len(plain)%size
	data = make([]byte, size+len(plain)+pad)
	rand.Read(data[:size])
	copy(data[size:], plain)
	data[len(data)-1] = byte(pad)
	cipher.NewCBCEncrypter(block, data[:size]).CryptBlocks(data[size:], data[size:])
	return key, data, nil
}
