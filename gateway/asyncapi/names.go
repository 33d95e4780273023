package asyncapi

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// nameTypes gives each type the name of its component: its own where nothing else has it,
// else with its package's in front, else with a number. The same types always get the
// same names.
func nameTypes(types []reflect.Type) map[reflect.Type]string {
	short := map[string]int{}
	for _, t := range types {
		short[typeName(t)]++
	}
	all := slices.Clone(types) // types of functions may differ in nothing that can be seen
	slices.SortStableFunc(all, func(a, b reflect.Type) int {
		return cmp.Or(strings.Compare(a.PkgPath(), b.PkgPath()), strings.Compare(a.String(), b.String()))
	})
	names, taken := map[reflect.Type]string{}, map[string]bool{errorName: true}
	for _, t := range all {
		if name := typeName(t); short[name] == 1 && !taken[name] {
			names[t], taken[name] = name, true
		}
	}
	for _, t := range all {
		if names[t] != "" {
			continue
		}
		folder := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
		base := identifier(strings.ReplaceAll(folder, "_", " ")) + typeName(t)
		names[t] = unique(base, taken)
	}
	return names
}

// unique returns the name, with a number when it is taken, and takes it.
func unique(name string, taken map[string]bool) string {
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprint(name, n)
	}
	taken[free] = true
	return free
}

var (
	folders = regexp.MustCompile(`[^\[\],*]*[/.]`) // in front of a type's name
	local   = regexp.MustCompile(`·[0-9]+`)        // behind that of a type of a function
)

// typeName is a type's name as one word: Page[[]chat.Message] is PageListMessage.
func typeName(t reflect.Type) string {
	name := local.ReplaceAllString(t.Name(), "")
	if outer, args, generic := strings.Cut(name, "["); generic {
		args = strings.NewReplacer("[]", ",List,", "map[", ",Map,").Replace(strings.TrimSuffix(args, "]"))
		parts := strings.FieldsFunc(args, func(r rune) bool { return strings.ContainsRune("[],* ", r) })
		for _, part := range parts {
			outer += identifier(folders.ReplaceAllString(part, ""))
		}
		name = outer
	}
	// Names of components have no other letters.
	if name = strange.ReplaceAllString(name, " "); strings.TrimSpace(name) == "" {
		return "Type"
	}
	return identifier(name)
}

// identifier makes a word that begins with a capital letter of any text.
func identifier(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	var name strings.Builder
	for _, word := range words {
		first, rest := []rune(word)[0], []rune(word)[1:]
		name.WriteRune(unicode.ToUpper(first))
		name.WriteString(string(rest))
	}
	if name.Len() == 0 || unicode.IsDigit([]rune(name.String())[0]) {
		return "_" + name.String()
	}
	return name.String()
}

// key makes a key of a document of a name: letters, digits, "_" and "-".
func key(name string) string {
	k := strings.Trim(strange.ReplaceAllString(name, "-"), "-")
	if k == "" {
		return "root"
	}
	return k
}

var strange = regexp.MustCompile(`[^A-Za-z0-9_]+`)
