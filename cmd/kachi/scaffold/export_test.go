package scaffold

// Executable is where the program says that it is, for the tests.
var Executable = &executable
