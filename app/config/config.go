// Package config holds the settings of `kachi serve`: what they are called on the command
// line, in the environment and in a file, what they mean, and which value holds.
//
// [Config] is the one place for a setting: its fields' tags give the names, the default,
// the help and the checks, from which the flags, docs/configuration.md and what [Load]
// accepts are made. Settings that contradict each other are rows of the table in
// contradictions.go.
package config

import (
	"net/netip"
	"time"
)

// Config is the settings with their values. A field without a default is empty where
// nobody has set it.
//
// The tags: name is the flag and the key of the file; default; type is what a value looks
// like, where oneof does not list all values; oneof, min, max and check bound it; help is said
// by `kachi serve --help`, and the default after it; group holds for the fields that
// follow, too; file:"-" keeps a setting out of the file.
type Config struct {
	File string `name:"config" type:"FILE" file:"-" group:"Where settings come from" help:"A YAML file with settings, by the names of the flags."`

	Addr           string         `name:"addr" default:":3000" type:"HOST:PORT" check:"address" group:"Listening" help:"Where to listen for pages, API and Socket.IO."`
	SocketAddr     string         `name:"socket-addr" type:"HOST:PORT" check:"address" help:"Where to listen for Socket.IO apart from pages and API. Default: with them."`
	SocketURL      string         `name:"socket-url" type:"URL" check:"site" help:"Where browsers reach Socket.IO when it has an address of its own, such as https://live.example.com. Default: at the pages' host name and the port of socket-addr, or behind a trusted proxy at the pages' address."`
	PrivateAddr    string         `name:"private-addr" type:"HOST:PORT" check:"address" help:"Where to serve /metrics and pprof to those who run the server, such as 127.0.0.1:3001. Default: nowhere."`
	Metrics        string         `name:"metrics" default:"public" oneof:"public,private" help:"Whether /metrics is served at addr, too, or at private-addr alone."`
	TrustedProxies []netip.Prefix `name:"trusted-proxies" type:"NETWORK,..." help:"Addresses and networks (10.0.0.0/8) of the proxies in front, whose X-Forwarded-* and Forwarded headers are believed. Default: nobody's."`
	AllowedOrigins []string       `name:"allowed-origins" type:"ORIGIN,..." check:"origin" help:"Other sites whose pages may connect, such as https://example.com; * for all. Default: the server's own pages."`

	TLSCert       string   `name:"tls-cert" type:"FILE" group:"TLS" help:"The certificate and its chain, PEM. Default: no TLS."`
	TLSKey        string   `name:"tls-key" type:"FILE" help:"The certificate's private key, PEM."`
	ACMEDomain    []string `name:"acme-domain" type:"NAME,..." check:"domain" help:"Names for which to get certificates by ACME (Let's Encrypt), in place of tls-cert. Default: none."`
	ACMEEmail     string   `name:"acme-email" type:"ADDRESS" check:"email" help:"Whom the ACME authority writes to when something is wrong with the certificates. Default: nobody."`
	ACMEDirectory string   `name:"acme-directory" default:"https://acme-v02.api.letsencrypt.org/directory" type:"URL" check:"url" help:"The ACME authority's directory."`
	RedirectAddr  string   `name:"redirect-addr" type:"HOST:PORT" check:"address" help:"Where to listen for plain HTTP, :80, send browsers on to HTTPS and answer the ACME authority. Default: nowhere."`

	Data     string      `name:"data" default:"./data" type:"DIR" group:"Data" help:"The folder of what the server keeps."`
	Database DatabaseURL `name:"database" type:"URL" help:"A MySQL or MariaDB database, mysql://user:password@host:port/name; ?tls=true behind it has the server show a certificate, and ?socket=/path stands for the host. Default: SQLite in data."`
	Demo     bool        `name:"demo" default:"false" help:"Whether to begin with sample data. Everybody knows the password of its people, one of whom is an administrator: not for a server that strangers reach."`

	JWTSecret            Secret        `name:"jwt-secret" type:"SECRET" group:"Accounts" help:"What signs the tokens. It should have 32 bytes or more: the server warns of a shorter one. Default: made once, and kept with the data."`
	ServiceToken         []Secret      `name:"service-token" type:"SECRET,..." help:"What other services show to be let in, which should have 16 characters or more; several, to change them one after the other. Default: no service is let in."`
	AccessTokenLifetime  time.Duration `name:"access-token-lifetime" default:"15m" type:"DURATION" min:"1s" help:"How long an access token is good."`
	RefreshTokenLifetime time.Duration `name:"refresh-token-lifetime" default:"30d" type:"DURATION" min:"1s" help:"How long a user stays signed in without coming back."`
	Registration         string        `name:"registration" default:"open" oneof:"open,closed" help:"Whether anybody may make an account."`
	DashboardRole        string        `name:"dashboard-role" default:"user" oneof:"user,admin" help:"Who may see the dashboard: all who are signed in, or administrators."`

	Static    string `name:"static" type:"DIR" group:"Pages" help:"A folder whose files to serve in place of the server's own pages. Default: its own."`
	MapTiles  string `name:"map-tiles" type:"URL" check:"tiles" help:"Where browsers get the map's tiles, with {z}, {x} and {y} for the place. Default: none; the map is drawn from Natural Earth, which comes with the pages."`
	MapCredit string `name:"map-credit" type:"TEXT" help:"Whose the tiles are, as the map says it: © OpenStreetMap contributors. Default: nothing."`

	MaxConnections int           `name:"max-connections" default:"0" type:"NUMBER" min:"0" group:"Limits" help:"Connections at once; 0 is no limit."`
	MaxPerAddress  int           `name:"max-per-address" default:"0" type:"NUMBER" min:"0" help:"Connections at once from one address (one /64 network for IPv6); 0 is no limit."`
	MaxPayload     int           `name:"max-payload" default:"1000000" type:"BYTES" min:"1" max:"1073741824" help:"The largest message that a client may send."`
	PingInterval   time.Duration `name:"ping-interval" default:"25s" type:"DURATION" min:"1ms" help:"The time between an answered ping and the next."`
	PingTimeout    time.Duration `name:"ping-timeout" default:"20s" type:"DURATION" min:"1ms" help:"How long the answer to a ping may take."`

	LogFormat       string        `name:"log-format" default:"auto" oneof:"auto,text,json" group:"Running" help:"How to write the log; auto is text on a terminal, and JSON elsewhere."`
	LogLevel        string        `name:"log-level" default:"info" oneof:"debug,info,warn,error" help:"The least level to log."`
	DrainDelay      time.Duration `name:"drain-delay" default:"0s" type:"DURATION" min:"0s" help:"How long to go on serving after /readyz says that the server stops, so that load balancers see it first."`
	ShutdownTimeout time.Duration `name:"shutdown-timeout" default:"10s" type:"DURATION" min:"1ms" help:"How long requests and connections may take to end when the server stops."`
}
