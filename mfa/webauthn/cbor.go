// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// The reader below takes CBOR (RFC 8949) as CTAP's canonical form has it:
// numbers and lengths in their shortest form, no indefinite lengths, tags or
// floating point, no repeated keys. The order of keys is not looked at: it
// decides nothing, and browsers' differs.

const (
	maxCBORDepth = 8
	maxCBORPairs = 64
	maxCBORItems = 1024
)

var errCBOR = errors.New("malformed CBOR")

// The major types that are used.
const (
	cborUint   = 0
	cborNegint = 1
	cborBytes  = 2
	cborText   = 3
	cborArray  = 4
	cborMap    = 5
	cborSimple = 7
)

// item is a CBOR value. Its bytes alias the input.
type item struct {
	major byte
	num   uint64 // the argument: value, length or simple value
	data  []byte // of byte and text strings
	items []item // of arrays; keys and values in turn of maps
}

// parseCBOR reads the first value of data and returns what follows it.
func parseCBOR(data []byte) (item, []byte, error) {
	r := cborReader{in: data}
	it, err := r.value(0)
	return it, r.in, err
}

// parseOneCBOR reads a value that fills data.
func parseOneCBOR(data []byte) (item, error) {
	it, rest, err := parseCBOR(data)
	if err == nil && len(rest) > 0 {
		err = errors.New("bytes follow the CBOR value")
	}
	return it, err
}

// text returns the value of a text key.
func (it *item) text(key string) (item, bool) {
	if it.major != cborMap {
		return item{}, false
	}
	for i := 0; i < len(it.items); i += 2 {
		if k := &it.items[i]; k.major == cborText && string(k.data) == key {
			return it.items[i+1], true
		}
	}
	return item{}, false
}

// label returns the value of an integer key.
func (it *item) label(key int64) (item, bool) {
	if it.major != cborMap {
		return item{}, false
	}
	for i := 0; i < len(it.items); i += 2 {
		if n, ok := it.items[i].int(); ok && n == key {
			return it.items[i+1], true
		}
	}
	return item{}, false
}

// int returns the value of an integer.
func (it *item) int() (int64, bool) {
	switch {
	case it.num > math.MaxInt64:
		return 0, false
	case it.major == cborUint:
		return int64(it.num), true
	case it.major == cborNegint:
		return -1 - int64(it.num), true
	}
	return 0, false
}

type cborReader struct {
	in    []byte
	count int
}

func (r *cborReader) value(depth int) (item, error) {
	if r.count++; r.count > maxCBORItems || depth > maxCBORDepth {
		return item{}, errors.New("too large CBOR")
	}
	it, err := r.head()
	if err != nil {
		return it, err
	}
	switch it.major {
	case cborUint, cborNegint:
		return it, nil
	case cborBytes, cborText:
		if it.num > uint64(len(r.in)) {
			return it, errCBOR
		}
		it.data, r.in = r.in[:it.num:it.num], r.in[it.num:]
		if it.major == cborText && !utf8.Valid(it.data) {
			return it, errors.New("CBOR text is not UTF-8")
		}
		return it, nil
	case cborArray:
		return it, r.array(&it, depth)
	case cborMap:
		return it, r.pairs(&it, depth)
	case cborSimple: // false, true, null
		if it.num < 20 || it.num > 22 {
			return it, errors.New("CBOR simple value or float")
		}
		return it, nil
	}
	return it, errors.New("CBOR tag")
}

// head reads the initial byte and its argument.
func (r *cborReader) head() (item, error) {
	if len(r.in) == 0 {
		return item{}, errCBOR
	}
	it := item{major: r.in[0] >> 5}
	info := r.in[0] & 31
	r.in = r.in[1:]
	if info < 24 {
		it.num = uint64(info)
		return it, nil
	}
	size := 1 << (info - 24)
	if info > 27 || it.major == cborSimple || len(r.in) < size {
		return it, errCBOR // indefinite lengths and floats among them
	}
	var b [8]byte
	copy(b[8-size:], r.in)
	r.in = r.in[size:]
	it.num = binary.BigEndian.Uint64(b[:])
	if size == 1 && it.num < 24 || size > 1 && it.num>>(4*size) == 0 {
		return it, errors.New("CBOR number in another form than its shortest")
	}
	return it, nil
}

func (r *cborReader) array(it *item, depth int) error {
	if it.num > uint64(len(r.in)) { // each takes a byte at least
		return errCBOR
	}
	for range it.num {
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		it.items = append(it.items, v)
	}
	return nil
}

func (r *cborReader) pairs(it *item, depth int) error {
	if it.num > maxCBORPairs {
		return errors.New("too many CBOR pairs")
	}
	it.items = make([]item, 0, min(2*it.num, 16))
	for range it.num {
		k, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if k.major > cborText {
			return errors.New("CBOR map key is no number or string")
		}
		for i := 0; i < len(it.items); i += 2 {
			if have := &it.items[i]; have.major == k.major && have.num == k.num && string(have.data) == string(k.data) {
				return errors.New("duplicate CBOR map key")
			}
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		it.items = append(it.items, k, v)
	}
	return nil
}
