package config

import (
	"fmt"
	"strings"
)

// Sources are where settings come from, beside the file.
type Sources struct {
	// Flags has the values of each flag that was given, by its name without --.
	Flags map[string][]string
	// Env looks up a variable of the environment, as [os.LookupEnv] does. A variable that
	// is empty counts as not set. Default: there are none.
	Env func(name string) (value string, ok bool)
}

// Loaded is a Config whose values have passed all checks, and where they come from. It
// does not change.
type Loaded struct {
	Config
	sources map[string]string
}

// Source says where a setting's value comes from: "--addr", "KACHI_ADDR", "kachi.yaml line
// 3", or nothing where it is the default.
func (l *Loaded) Source(name string) string { return l.sources[name] }

// Error is all that is wrong with the settings.
type Error struct {
	// Faults are sentences for people, each with the places where the settings come from,
	// and none with a secret.
	Faults []string
}

func (e *Error) Error() string {
	if len(e.Faults) == 1 {
		return e.Faults[0]
	}
	return fmt.Sprintf("%d faults in the settings:\n  %s", len(e.Faults), strings.Join(e.Faults, "\n  "))
}

// Load reads all sources and decides: a flag goes before the environment, that before the
// file, and that before the default. What is wrong anywhere is an [*Error] with all of
// it, values that another source overrides included.
func Load(from Sources) (*Loaded, error) {
	l := &Loaded{sources: map[string]string{}}
	var faults []string
	broken := map[string]bool{}

	// take gives a setting the last of what the sources say, the weakest first.
	take := func(s *Setting, said ...entry) {
		for _, e := range said {
			if e.texts == nil {
				continue
			}
			if wrong := s.parse(&l.Config, e.texts); wrong != nil {
				for _, err := range wrong {
					faults = append(faults, fmt.Sprintf("%s: %v", e.where(s), err))
				}
				broken[s.Name] = true
				continue
			}
			l.sources[s.Name] = e.source
		}
	}
	var file map[string]entry
	for i := range settings {
		s := &settings[i]
		if s.Default != "" {
			if wrong := s.parse(&l.Config, []string{s.Default}); wrong != nil {
				panic(fmt.Sprintf("config: the default of %s: %v", s.Name, wrong))
			}
		}
		var inFile entry
		if s.Key != "" {
			inFile = file[s.Key]
		}
		if inFile.texts != nil && len(inFile.texts) != 1 && !s.List {
			faults = append(faults, inFile.where(s)+": is a list, and has to be one value")
			broken[s.Name] = true
			inFile = entry{}
		}
		take(s, inFile, from.environment(s), from.flag(s))
		if s.Name == "config" && l.File != "" { // stands before all that may be in it
			var wrong []string
			file, wrong = readFile(l.File)
			faults = append(faults, wrong...)
		}
	}
	for _, c := range contradictions {
		said, known := "", true
		for i, name := range c.of {
			known = known && !broken[name]
			source := l.sources[name]
			if source == "" {
				source = "default"
			}
			if i > 0 {
				said += ", "
			}
			said += name + " (" + source + ")"
		}
		if known && c.exist(&l.Config) {
			faults = append(faults, said+": "+c.words)
		}
	}
	if faults != nil {
		return nil, &Error{faults}
	}
	return l, nil
}

func (from Sources) environment(s *Setting) entry {
	if from.Env == nil {
		return entry{}
	}
	text, _ := from.Env(s.Env)
	if text == "" {
		return entry{}
	}
	return entry{[]string{text}, s.Env}
}

func (from Sources) flag(s *Setting) entry {
	texts := from.Flags[s.Name]
	if len(texts) == 0 {
		return entry{}
	}
	return entry{texts, "--" + s.Name}
}

// where names the place of a fault: a line of a file does not say which setting it holds.
func (e entry) where(s *Setting) string {
	if e.source == s.Env || e.source == "--"+s.Name {
		return e.source
	}
	return e.source + ": " + s.Name
}
