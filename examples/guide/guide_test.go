package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/examples/exampletest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begin test
func TestNotes(t *testing.T) {
	app := gatewaytest.New(t, &gatewaytest.Options{
		App: gateway.Options{Validator: validate.New(nil)},
	}, NewBoard(&Store{}))
	mina, jun := app.Dial(t, "/notes"), app.Dial(t, "/notes")
	gatewaytest.Ask[any](t, jun, "watch", "kitchen")

	note := Note{Board: "kitchen", Text: "We are out of eggs"}
	if r := gatewaytest.Ask[Receipt](t, mina, "note", note); r.Number != 1 {
		t.Error("the first note has number", r.Number)
	}
	if told := gatewaytest.Next(t, jun, Noted); told != note {
		t.Error("Jun was told", told)
	}
	mina.ExpectNone(t) // who does not watch is told nothing
	mina.AskError(t, gateway.CodeInvalid, "note", Note{Board: "kitchen"})
	mina.AskError(t, gateway.CodeBadRequest, "note", "no note")
}

// end test

func TestDocumentShowsThis(t *testing.T) { exampletest.Document(t, "../../docs/gateways.md") }

// The tests that the document's tables name are there.
func TestDocumentNamesTests(t *testing.T) {
	document, err := os.ReadFile("../../docs/gateways.md")
	assert.NoError(t, err)
	_, tables, found := strings.Cut(string(document), "## What is held by which test\n")
	assert.True(t, found)
	named := regexp.MustCompile("(?:([a-z]+(?:/[a-z]+)*) )?`(Test[A-Za-z]+)`").FindAllStringSubmatch(tables, -1)
	assert.True(t, len(named) > 50, len(named))
	for _, name := range named {
		if name[2] == "TestMain" {
			continue
		}
		folder := "gateway"
		if _, err := os.Stat(filepath.Join("../..", name[1])); name[1] != "" && err == nil {
			folder = name[1]
		}
		files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
		assert.NoError(t, err)
		there := slices.ContainsFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			assert.NoError(t, err)
			return strings.Contains(string(text), "\nfunc "+name[2]+"(t *testing.T)")
		})
		assert.True(t, there, "%s has no %s", folder, name[2])
	}
}

func TestBounds(t *testing.T) {
	s := &Store{}
	for range 100 {
		_, err := s.Add(t.Context(), Note{Board: "a"})
		assert.NoError(t, err)
	}
	_, err := s.Add(t.Context(), Note{Board: "a"})
	assert.True(t, err != nil, "full")
}
