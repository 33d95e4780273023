// Package imports holds the rule about which package may know which: the lines of
// packages, from the commands down to the internal ones, and the third-party modules
// that each line may reach. Its test reads the real imports and fails on any other.
package imports
