package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/cmd/kachi/connect"
	"github.com/kachi-io/kachi/gateway/asyncapi"
)

// spec prints and compares AsyncAPI documents.
type spec struct {
	Show specShow `cmd:"" default:"withargs" help:"Print the AsyncAPI document of this server, or of one that runs (--url)."`
	Diff specDiff `cmd:"" help:"Say what changed between two documents. The exit code is 1 when something breaks clients."`
}

type specShow struct {
	URL    string `name:"url" placeholder:"URL" help:"Where a server has its document: http://localhost:3000/docs/asyncapi.json. Default: this program's own."`
	Format string `default:"json" enum:"json,typescript" placeholder:"FORMAT" help:"What to print: json, the AsyncAPI document; typescript, a client. Default json."`
}

type specDiff struct {
	Old string `arg:"" help:"The document that clients were written for: a file, a URL, or - for standard input."`
	New string `arg:"" help:"The one that they will meet."`
}

// Run prints a document.
func (s *specShow) Run(ctx context.Context, std *connect.Streams) (err error) {
	var doc *asyncapi.Doc
	if s.URL != "" {
		doc, err = readDocument(ctx, s.URL, std.In)
	} else {
		doc, err = ownDocument(ctx)
	}
	if err != nil {
		return err
	}
	text := doc.JSON()
	if s.Format == "typescript" {
		text = asyncapi.TypeScript(doc)
	}
	_, err = std.Out.Write(text)
	return err
}

// ownDocument makes the document of this program's server, which has a database for the
// moment that it takes.
func ownDocument(ctx context.Context) (doc *asyncapi.Doc, err error) {
	folder, err := os.MkdirTemp("", "kachi-spec-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	app, err := server.New(ctx, &server.Options{Data: folder, Version: version})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, app.Close()) }()
	return asyncapi.Document(app.Gateways(), asyncapi.Info{Title: "Kachi", Version: version})
}

// Run compares two documents.
func (s *specDiff) Run(ctx context.Context, std *connect.Streams) error {
	if s.Old == "-" && s.New == "-" {
		return errors.New("only one of the documents can be standard input")
	}
	before, err := readDocument(ctx, s.Old, std.In)
	if err != nil {
		return err
	}
	after, err := readDocument(ctx, s.New, std.In)
	if err != nil {
		return err
	}
	changes := asyncapi.Diff(before, after)
	for _, c := range changes {
		if _, err := fmt.Fprintln(std.Out, c); err != nil {
			return err
		}
	}
	if asyncapi.Breaking(changes) {
		return connect.Exit(1)
	}
	return nil
}

const (
	largestDocument = 64 << 20
	documentTimeout = 30 * time.Second
)

// readDocument reads a file, a URL, or standard input.
func readDocument(ctx context.Context, from string, stdin io.Reader) (*asyncapi.Doc, error) {
	var in io.Reader
	switch {
	case from == "-":
		in = stdin
	case strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://"):
		ctx, cancel := context.WithTimeout(ctx, documentTimeout)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
		if err != nil {
			return nil, err
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s: is the document somewhere else, at …/asyncapi.json?", from, answer.Status)
		}
		if kind := answer.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") { // the one for people, likely
			return nil, fmt.Errorf("%s is a page: is the document beside it, at …/asyncapi.json?", from)
		}
		in = answer.Body
	default:
		file, err := os.Open(from)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, largestDocument+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	if len(text) > largestDocument {
		return nil, fmt.Errorf("%s: more than %d MiB", from, largestDocument>>20)
	}
	doc, err := asyncapi.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return doc, nil
}
