// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"math"
	"time"
)

// MaxTravelKmh is faster than passengers fly.
const MaxTravelKmh = 1000

// nearKm forgives what databases of addresses get wrong.
const nearKm = 300

// ImpossibleTravel reports whether nobody gets from one place to the other in
// the time between, and the speed that it would take. It is false if either
// place is not located or they are within 300 km of each other. A negative
// time counts as none.
func ImpossibleTravel(from Place, at time.Time, to Place, then time.Time, maxKmh float64) (kmh float64, impossible bool) {
	if !from.Located || !to.Located {
		return 0, false
	}
	km := distanceKm(from, to)
	if !(km > nearKm) { // also NaN
		return 0, false
	}
	hours := max(then.Sub(at).Hours(), 1.0/3600)
	kmh = km / hours
	return kmh, kmh > maxKmh
}

// distanceKm is the great circle by the haversine formula.
func distanceKm(a, b Place) float64 {
	const earth, rad = 6371.0, math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad, (b.Lon-a.Lon)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earth * math.Asin(math.Sqrt(min(1, h)))
}
