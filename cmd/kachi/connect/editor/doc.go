// Package editor reads lines from a terminal and prints above the line being typed.
//
// golang.org/x/term has a line editor as well. It counts every character as one column, so
// that a line with Korean in it falls to pieces at the first deletion, or when something is
// printed meanwhile; and it cannot tell Ctrl-C from Ctrl-D.
package editor
