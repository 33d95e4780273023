// Package auth admits clients of gateways by JSON Web Tokens (RFC 7519), signed with HS256,
// RS256, ES256 or EdDSA:
//
//	users := auth.JWT(auth.Options{
//		Keys:     auth.Fixed(auth.HS256(secret)),
//		Issuer:   "https://id.example.com",
//		Audience: []string{"chat"},
//	}, func(ctx context.Context, c *auth.Claims) (User, error) {
//		return store.User(ctx, c.Subject)
//	})
//	chat := gateway.New("/chat", users, register)
//
// # Where the token is
//
// The first of these that is there counts: auth.token of the CONNECT packet ({token} as the
// auth of socket.io-client; plain WebSocket clients give it in the ways of
// [socketio.PlainMount], and it arrives here the same way), with or without "Bearer "; the
// header Authorization, "Bearer …"; the cookie [Options].Cookie; the query's parameter
// [Options].Query. Nothing of it gets into logs and errors.
//
// # What clients are told
//
// Refusals have the code "unauthorized" and [gateway.Denial] as details, whose reason says
// what a client can do: get a token ("missing"), a newer one ("expired"), or something else
// than a token that is no good ("signature", "audience", …). "unavailable" is the code when
// the keys or the principal's source cannot be asked now: the token may well be good.
//
// # Keys
//
// A [Key] is bound to one algorithm when it is made, so a public key is never taken for an
// HMAC's secret; tokens that name another algorithm are refused before any key is tried, and
// "none" is no algorithm. [Fixed] keys are given, [KeyFunc] asks a function, [JWKS] fetches
// them by HTTP and follows their rotation.
package auth
