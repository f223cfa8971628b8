// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// checkEd25519 refuses what is no point of the curve, what is not encoded in
// its one way, and the eight points of small order, under which one signature
// verifies for many messages (RFC 8032 5.1.3). The standard library does the
// first only when it verifies, and never the last.
func checkEd25519(key []byte) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("an Ed25519 key of %d bytes", len(key))
	}
	le := slices.Clone(key)
	le[31] &= 0x7f
	slices.Reverse(le)
	y := new(big.Int).SetBytes(le)
	one := big.NewInt(1)
	// p = 2^255 - 19 and d = -121665/121666
	p := new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)
	if y.Cmp(p) >= 0 {
		return errors.New("an Ed25519 key that is not reduced")
	}
	// x^2 = (y^2 - 1) / (d y^2 + 1)
	yy := new(big.Int).Mul(y, y)
	xx := new(big.Int).Mul(d, yy)
	xx.Add(xx, one).ModInverse(xx.Mod(xx, p), p)
	xx.Mul(xx, yy.Sub(yy, one)).Mod(xx, p)
	if big.Jacobi(xx, p) < 0 {
		return errors.New("an Ed25519 key that is not on the curve")
	}
	// The y of small order are 0, of order 4; 1 and -1, where x is 0; and
	// those of order 8, where x^2 = -y^2 by doubling to order 4.
	sum := new(big.Int).Mul(y, y)
	sum.Add(sum, xx).Mod(sum, p)
	if y.Sign() == 0 || xx.Sign() == 0 || sum.Sign() == 0 {
		return errors.New("an Ed25519 key of small order")
	}
	return nil
}
