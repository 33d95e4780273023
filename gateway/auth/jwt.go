package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/kachi-io/kachi/gateway"
)

// Options configures [JWT]. Keys have to be given; the zero value is the default of every
// other field.
type Options struct {
	// Keys finds the keys that tokens are verified with: [Fixed], [KeyFunc], [JWKS].
	Keys KeySource
	// Algorithms are those accepted. Default: those of [Fixed] keys; for other sources they
	// have to be named.
	Algorithms []Algorithm
	// Issuer is who tokens have to be from. Default: anybody who has a key. Where several
	// issuers have one, see to Key: each may have a subject of the same name.
	Issuer string
	// Audience are those of whom a token has to be for one. Default: for anybody.
	Audience []string
	// Leeway is how far clocks may differ: tokens count that much earlier and longer. At
	// most [gateway.MaxLeeway]. Default none.
	Leeway time.Duration
	// WithoutExpiry accepts tokens that never expire. By default exp is required.
	WithoutExpiry bool
	// Cookie is the name of a cookie that may hold the token. Default none. Browsers send
	// cookies by themselves, whoever's page asks: for sockets the server's origin policy
	// stands before that, for requests over HTTP see [net/http.CrossOriginProtection]. A name
	// that begins with "__Host-" keeps other hosts of the domain from setting it.
	Cookie string
	// Query is the name of a parameter of the URL that may hold the token. Default none:
	// URLs get into logs, of proxies too.
	Query string
	// Key gives a principal's key, see [gateway.Identity]. Default: the claim sub.
	Key func(*Claims) string
	// Token gives what [gateway.App.RevokeToken] names the token by: tokens may share it, all
	// those of one sign-in, say. Default: the claim jti.
	Token func(*Claims) string
}

// Reasons for which a token is refused, as [gateway.Denial] tells them, beside
// [gateway.DeniedExpired] and those that the core adds.
const (
	DeniedMissing    = "missing"       // there is none
	DeniedMalformed  = "malformed"     // that is no JWT, or none that can be read
	DeniedAlgorithm  = "algorithm"     // it is signed in a way that is not accepted
	DeniedUnknownKey = "unknown_key"   // by a key that is not known
	DeniedSignature  = "signature"     // the signature is wrong
	DeniedEarly      = "not_yet_valid" // its time has not come
	DeniedIssuer     = "issuer"        // it is from somebody else
	DeniedAudience   = "audience"      // it is for somebody else
	DeniedClaims     = "claims"        // a claim that it needs is missing
)

var (
	errMissing    = gateway.Denied(DeniedMissing, "A token is needed")
	errMalformed  = gateway.Denied(DeniedMalformed, "The token cannot be read")
	errAlgorithm  = gateway.Denied(DeniedAlgorithm, "The token is signed in a way that is not accepted")
	errUnknownKey = gateway.Denied(DeniedUnknownKey, "The token's key is not known")
	errSignature  = gateway.Denied(DeniedSignature, "The token's signature is wrong")
	errExpired    = gateway.Denied(gateway.DeniedExpired, "The token has expired")
	errEarly      = gateway.Denied(DeniedEarly, "The token is not valid yet")
	errIssuer     = gateway.Denied(DeniedIssuer, "The token is from somebody else")
	errAudience   = gateway.Denied(DeniedAudience, "The token is for somebody else")
	errRequired   = gateway.Denied(DeniedClaims, "The token lacks a claim")

	errUnavailable = gateway.NewError(gateway.CodeUnavailable, "Tokens cannot be verified at the moment")
)

// JWT admits clients by tokens. principal makes the principal of a token that was verified;
// its error refuses the client, as that of an [gateway.Authenticator] does. The result is a
// [gateway.Refresher], too. Options that are wrong are an error of [gateway.NewApp].
func JWT[P any](o Options, principal func(ctx context.Context, c *Claims) (P, error)) gateway.Authenticator[P] {
	a := &authenticator[P]{opts: o, principal: principal}
	a.opts.Audience = slices.Clone(o.Audience)
	if a.opts.Algorithms = slices.Clone(o.Algorithms); len(o.Algorithms) == 0 {
		if known, ok := o.Keys.(interface{ algorithms() []Algorithm }); ok {
			a.opts.Algorithms = known.algorithms()
		}
	}
	if a.opts.Key == nil {
		a.opts.Key = func(c *Claims) string { return c.Subject }
	}
	if a.opts.Token == nil {
		a.opts.Token = func(c *Claims) string { return c.ID }
	}
	a.err = a.opts.check()
	if a.err == nil && principal == nil {
		a.err = errors.New("auth: there is no function that makes a principal")
	}
	methods := []string{} // not nil, which would be all
	for _, m := range a.opts.Algorithms {
		methods = append(methods, string(m))
	}
	options := []jwt.ParserOption{jwt.WithValidMethods(methods), jwt.WithStrictDecoding(), jwt.WithLeeway(o.Leeway)}
	if !o.WithoutExpiry {
		options = append(options, jwt.WithExpirationRequired())
	}
	if o.Issuer != "" {
		options = append(options, jwt.WithIssuer(o.Issuer))
	}
	if len(o.Audience) > 0 {
		options = append(options, jwt.WithAudience(o.Audience...))
	}
	a.parser = jwt.NewParser(options...)
	return a
}

func (o *Options) check() error {
	if o.Keys == nil {
		return errors.New("auth: Options.Keys is nil")
	}
	if len(o.Algorithms) == 0 {
		return errors.New("auth: Options.Algorithms has to name those that are accepted")
	}
	for _, a := range o.Algorithms {
		switch a {
		case AlgorithmHS256, AlgorithmRS256, AlgorithmES256, AlgorithmEdDSA:
		default:
			return fmt.Errorf("auth: there is no algorithm %q here", a)
		}
	}
	if o.Leeway < 0 {
		return errors.New("auth: Options.Leeway is negative")
	}
	if o.Leeway > gateway.MaxLeeway {
		return fmt.Errorf("auth: an Options.Leeway of %v: at most %v is taken", o.Leeway, gateway.MaxLeeway)
	}
	if slices.Contains(o.Audience, "") {
		return errors.New("auth: Options.Audience has one without a name")
	}
	if c, ok := o.Keys.(interface{ check() error }); ok {
		if err := c.check(); err != nil {
			return fmt.Errorf("auth: Options.Keys: %w", err)
		}
	}
	return nil
}

type authenticator[P any] struct {
	opts      Options
	principal func(context.Context, *Claims) (P, error)
	parser    *jwt.Parser
	err       error // of the options
}

var _ gateway.Refresher[int] = (*authenticator[int])(nil)

// Check is asked when an app is made.
func (a *authenticator[P]) Check() error { return a.err }

// Authenticate implements [gateway.Authenticator].
func (a *authenticator[P]) Authenticate(ctx context.Context, h *gateway.Handshake) (gateway.Identity[P], error) {
	token, err := find(&a.opts, h)
	if err != nil {
		return gateway.Identity[P]{}, err
	}
	return a.identify(ctx, token)
}

// Refresh implements [gateway.Refresher].
func (a *authenticator[P]) Refresh(ctx context.Context, _ *gateway.Handshake, token string) (gateway.Identity[P], error) {
	token = unprefixed(token)
	if token == "" {
		return gateway.Identity[P]{}, errMissing
	}
	return a.identify(ctx, token)
}

func (a *authenticator[P]) identify(ctx context.Context, token string) (id gateway.Identity[P], err error) {
	if a.err != nil {
		return id, a.err
	}
	claims, err := a.verify(ctx, token)
	if err != nil {
		return id, err
	}
	if id.Principal, err = a.principal(ctx, claims); err != nil {
		return gateway.Identity[P]{}, err
	}
	id.Key, id.Token, id.Issued = a.opts.Key(claims), a.opts.Token(claims), claims.Issued
	if id.Expires = claims.Expires; !id.Expires.IsZero() {
		id.Expires = id.Expires.Add(a.opts.Leeway)
	}
	return id, nil
}

// verify returns the claims of a good token. What golang-jwt says of others is translated
// and not handed on: it can hold pieces of the token.
func (a *authenticator[P]) verify(ctx context.Context, token string) (*Claims, error) {
	if len(token) > maxToken {
		return nil, errMalformed
	}
	claims := new(Claims)
	var unavailable, unknown error
	_, err := a.parser.ParseWithClaims(token, &checked{claims}, func(t *jwt.Token) (any, error) {
		// crit names extensions that have to be understood (RFC 7515, 4.1.11): none is.
		if _, ok := t.Header["crit"]; ok {
			unknown = errMalformed
			return nil, unknown
		}
		id, isText := t.Header["kid"].(string)
		if _, has := t.Header["kid"]; has && !isText {
			unknown = errMalformed
			return nil, unknown
		}
		h := Header{Algorithm: Algorithm(t.Method.Alg()), KeyID: id}
		keys, err := a.opts.Keys.Keys(ctx, h)
		if err != nil {
			unavailable = err
			return nil, err
		}
		var set jwt.VerificationKeySet
		for _, k := range keys {
			if k.fits(h) { // whatever the source thinks: no key verifies another algorithm
				set.Keys = append(set.Keys, k.material)
			}
		}
		if len(set.Keys) == 0 {
			unknown = errUnknownKey
			return nil, unknown
		}
		return set, nil
	})
	switch {
	case err == nil && claims.raw == nil: // null, which encoding/json hands to nobody
		return nil, errMalformed
	case err == nil:
		return claims, nil
	case unavailable != nil:
		return nil, coded(unavailable)
	case unknown != nil:
		return nil, unknown
	case errors.Is(err, jwt.ErrTokenMalformed):
		return nil, errMalformed
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return nil, errAlgorithm // one that golang-jwt does not know, or none
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		if !a.accepts(token) {
			return nil, errAlgorithm
		}
		return nil, errSignature
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return nil, errIssuer
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return nil, errAudience
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return nil, errRequired
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return nil, errEarly
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, errExpired
	}
	return nil, errMalformed
}

// accepts reports whether the algorithm that a token names is one of those accepted:
// golang-jwt has one error for another algorithm and for a wrong signature.
func (a *authenticator[P]) accepts(token string) bool {
	t, _, err := a.parser.ParseUnverified(token, &checked{new(Claims)})
	return err == nil && slices.Contains(a.opts.Algorithms, Algorithm(t.Method.Alg()))
}

// coded is a source's failure as the client sees it; the log has the cause.
func coded(err error) error {
	var known *gateway.Error
	if errors.As(err, &known) {
		return err
	}
	return fmt.Errorf("%w: %w", errUnavailable, err)
}
