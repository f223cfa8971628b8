// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Fetch gets new credentials, for example by [Client.Exchange]. It must honour
// ctx.
type Fetch func(ctx context.Context) (aws.Credentials, error)

// ProviderConfig is what [NewProvider] needs. It is copied.
type ProviderConfig struct {
	// Fetch gets new credentials; required.
	Fetch Fetch
	// RefreshBefore is how long before expiry new credentials are fetched; 0
	// is 5 minutes. Credentials that live less than twice as long are renewed
	// after half their life.
	RefreshBefore time.Duration
	// Jitter spreads refreshes of many processes over the fraction of
	// RefreshBefore, 0 to 1; 0 is 0.2, negative is none.
	Jitter float64
	// ErrorTTL is how long a failed fetch is remembered, so that a thousand
	// callers do not ask a thousand times; 0 is one second, negative is not at
	// all.
	ErrorTTL time.Duration
	// FetchTimeout bounds one fetch; 0 is one minute.
	FetchTimeout time.Duration
	// Key and Cache keep the credentials between processes; Cache may be nil.
	Key   Key
	Cache Cache
	// OnEvent hears of each fetch; may be nil. It must not block.
	OnEvent func(Event)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Event tells of one fetch or of the cache at rest.
type Event struct {
	Key     Key
	Err     error     // nil: fetched
	Expires time.Time // of the credentials in hand, zero if there are none
	Cached  bool      // read from the cache at rest
}

// Provider is an aws.CredentialsProvider for any number of goroutines.
// Credentials in hand are returned without a lock; near their end one caller
// starts a fetch that nobody waits for; a failing fetch leaves the last good
// ones in use until they really expire. It needs no aws.CredentialsCache
// around it.
type Provider struct {
	c       ProviderConfig
	born    time.Time // for the monotonic clock; zero if c.Now is given
	current atomic.Pointer[held]

	mu       sync.Mutex
	flight   *flight
	lastErr  error
	errUntil time.Time
	closed   bool
	running  sync.WaitGroup
	life     context.Context // ends with Close
	end      context.CancelFunc
}

var _ aws.CredentialsProvider = (*Provider)(nil)

// held is one set of credentials with the times that matter, in Unix
// nanoseconds.
type held struct {
	creds   aws.Credentials
	refresh int64
	expires int64
	// good is the monotonic time until which the wall clock need not be read
	// again: reading that costs twice as much. It is a second at most, since
	// the monotonic clock stands still while a machine sleeps.
	good atomic.Int64
}

const trustMonotonic = int64(time.Second)

// flight is one fetch; done is closed when err and the provider's current
// credentials are set.
type flight struct {
	done chan struct{}
	err  error
}

// ErrClosed is returned by a closed provider that would have to fetch.
var ErrClosed = errors.New("sts: provider is closed")

// NewProvider checks the configuration. It fetches nothing yet.
func NewProvider(c ProviderConfig) (*Provider, error) {
	if c.Fetch == nil {
		return nil, refuse(CheckInput, "", "no Fetch")
	}
	if c.RefreshBefore < 0 || c.FetchTimeout < 0 || c.Jitter > 1 {
		return nil, refuse(CheckInput, "", "a negative time or a jitter above 1")
	}
	defaults(&c.RefreshBefore, 5*time.Minute)
	defaults(&c.FetchTimeout, time.Minute)
	defaults(&c.ErrorTTL, time.Second)
	defaults(&c.Jitter, 0.2)
	p := &Provider{c: c}
	p.life, p.end = context.WithCancel(context.Background())
	if c.Now == nil {
		p.c.Now, p.born = time.Now, time.Now()
	}
	return p, nil
}

func defaults[T time.Duration | float64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Retrieve returns credentials that have not expired.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	h := p.current.Load()
	if h == nil {
		return p.wait(ctx, p.young)
	}
	var mono int64
	if !p.born.IsZero() {
		if mono = int64(time.Since(p.born)); mono < h.good.Load() {
			return h.creds, nil
		}
	}
	now := p.c.Now().UnixNano()
	if now < h.refresh {
		h.good.Store(mono + min(trustMonotonic, h.refresh-now))
		return h.creds, nil
	}
	if now < h.expires {
		_, _ = p.start(ctx, p.young) // nobody waits: the ones in hand are good
		return h.creds, nil
	}
	return p.wait(ctx, p.young)
}

// young credentials need no refresh yet.
func (p *Provider) young(h *held) bool { return p.c.Now().UnixNano() < h.refresh }

// Fresh returns credentials that last for at least d, fetching and waiting if
// those in hand do not. If the fetch fails and the ones in hand have not
// expired, it returns them: what a process that prints and exits needs.
func (p *Provider) Fresh(ctx context.Context, d time.Duration) (aws.Credentials, error) {
	lasts := func(h *held) bool { return p.c.Now().Add(d).UnixNano() < h.expires }
	if h := p.current.Load(); h != nil && lasts(h) {
		return h.creds, nil
	}
	creds, err := p.wait(ctx, lasts)
	if h := p.current.Load(); err != nil && h != nil && p.c.Now().UnixNano() < h.expires {
		return h.creds, nil
	}
	return creds, err
}

// Invalidate forgets the credentials in hand and at rest, as after AWS said
// that they are no longer good.
func (p *Provider) Invalidate(ctx context.Context) error {
	p.mu.Lock()
	p.current.Store(nil)
	p.lastErr = nil
	p.mu.Unlock()
	if p.c.Cache == nil {
		return nil
	}
	return p.c.Cache.Delete(ctx, p.c.Key)
}

// Close refuses fetches to come, cancels the one under way and waits for it.
// Credentials in hand are still returned.
func (p *Provider) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.end()
	p.running.Wait()
}

func (p *Provider) wait(ctx context.Context, good func(*held) bool) (aws.Credentials, error) {
	f, err := p.start(ctx, good)
	if err != nil {
		return aws.Credentials{}, err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return aws.Credentials{}, &Error{Check: CheckCanceled, Public: advice[CheckCanceled], Err: ctx.Err()}
	}
	if f.err != nil {
		return aws.Credentials{}, f.err
	}
	if h := p.current.Load(); h != nil && p.c.Now().UnixNano() < h.expires {
		return h.creds, nil
	}
	return aws.Credentials{}, refuse(CheckService, "AWS handed out credentials that have expired. Check the clock.", "fetched credentials have expired")
}

// landed is a flight that is over.
var landed = func() *flight {
	f := &flight{done: make(chan struct{})}
	close(f.done)
	return f
}()

// start joins the fetch under way or begins one, unless another caller's has
// landed since this one looked. The fetch does not end with the caller that
// happened to begin it: others wait for it too.
func (p *Provider) start(ctx context.Context, good func(*held) bool) (*flight, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.current.Load()
	switch {
	case p.flight != nil:
		return p.flight, nil
	case h != nil && good(h):
		return landed, nil
	case p.lastErr != nil && p.c.Now().Before(p.errUntil):
		return nil, p.lastErr
	case p.closed:
		return nil, ErrClosed
	}
	f := &flight{done: make(chan struct{})}
	p.flight = f
	fetchCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.c.FetchTimeout)
	detach := context.AfterFunc(p.life, cancel)
	p.running.Go(func() {
		defer cancel()
		defer detach()
		h, err := p.fetch(fetchCtx)
		p.land(f, h, err)
	})
	return f, nil
}

func (p *Provider) land(f *flight, h *held, err error) {
	p.mu.Lock()
	if err != nil {
		p.lastErr, p.errUntil = err, p.c.Now().Add(p.c.ErrorTTL)
	} else {
		p.lastErr = nil
		p.current.Store(h)
	}
	f.err = err
	p.flight = nil
	p.mu.Unlock()
	close(f.done)
}

// fetch takes credentials at rest if they are good, or else gets new ones,
// under the cache's lock so that fifty processes make one exchange.
func (p *Provider) fetch(ctx context.Context) (_ *held, err error) {
	defer func() {
		if err != nil {
			p.tell(Event{Key: p.c.Key, Err: err, Expires: p.expires()})
		}
	}()
	if p.c.Cache == nil {
		return p.fetchNew(ctx)
	}
	if h := p.atRest(ctx); h != nil {
		return h, nil
	}
	unlock, err := p.c.Cache.Lock(ctx, p.c.Key)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if h := p.atRest(ctx); h != nil {
		return h, nil
	}
	h, err := p.fetchNew(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.c.Cache.Save(ctx, p.c.Key, h.creds); err != nil {
		p.tell(Event{Key: p.c.Key, Err: err, Expires: h.creds.Expires}) // credentials in hand beat a broken disk
	}
	return h, nil
}

func (p *Provider) fetchNew(ctx context.Context) (*held, error) {
	creds, err := p.c.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	if !creds.HasKeys() {
		return nil, refuse(CheckService, advice[CheckService], "Fetch returned no keys")
	}
	h := p.hold(creds)
	p.tell(Event{Key: p.c.Key, Expires: creds.Expires})
	return h, nil
}

// atRest returns cached credentials unless it is time to renew them.
func (p *Provider) atRest(ctx context.Context) *held {
	creds, err := p.c.Cache.Load(ctx, p.c.Key)
	if err != nil || !creds.HasKeys() {
		return nil
	}
	left := creds.Expires.Sub(p.c.Now())
	if creds.CanExpire && left <= p.c.RefreshBefore {
		return nil
	}
	if h := p.current.Load(); h != nil && h.creds.AccessKeyID == creds.AccessKeyID {
		return nil // the very ones that are to be renewed
	}
	p.tell(Event{Key: p.c.Key, Expires: creds.Expires, Cached: true})
	return p.hold(creds)
}

func (p *Provider) hold(creds aws.Credentials) *held {
	const never = int64(1<<63 - 1)
	if !creds.CanExpire {
		return &held{creds: creds, refresh: never, expires: never}
	}
	before := p.c.RefreshBefore
	if life := creds.Expires.Sub(p.c.Now()); life < 2*before {
		before = life / 2
	}
	if p.c.Jitter > 0 {
		before += time.Duration(p.c.Jitter * rand.Float64() * float64(before))
	}
	return &held{creds: creds, refresh: creds.Expires.Add(-before).UnixNano(), expires: creds.Expires.UnixNano()}
}

func (p *Provider) expires() time.Time {
	if h := p.current.Load(); h != nil {
		return h.creds.Expires
	}
	return time.Time{}
}

func (p *Provider) tell(e Event) {
	if p.c.OnEvent != nil {
		p.c.OnEvent(e)
	}
}
