// Package assert holds the few assertions that the project's tests share.
package assert

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Equal fails the test, and goes on, when got differs from want (by go-cmp).
func Equal(t testing.TB, got, want any, about ...any) bool {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%snot equal (-want +got):\n%s", prefix(about), diff)
		return false
	}
	return true
}

// True fails the test, and goes on, when ok is false.
func True(t testing.TB, ok bool, about ...any) bool {
	t.Helper()
	if !ok {
		t.Errorf("%swant true, got false", prefix(about))
	}
	return ok
}

// NoError ends the test when err is not nil.
func NoError(t testing.TB, err error, about ...any) {
	t.Helper()
	if err != nil {
		t.Fatalf("%sunexpected error: %v", prefix(about), err)
	}
}

// ErrorIs fails the test when errors.Is(err, target) does not hold.
func ErrorIs(t testing.TB, err, target error, about ...any) bool {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%swant error %v, got %v", prefix(about), target, err)
		return false
	}
	return true
}

// ErrorAs ends the test when err holds no error of type T, and returns it otherwise.
func ErrorAs[T error](t testing.TB, err error, about ...any) T {
	t.Helper()
	var target T
	if !errors.As(err, &target) {
		t.Fatalf("%swant an error of type %T, got %v", prefix(about), target, err)
	}
	return target
}

// Receive returns the next value of ch, and ends the test when none comes in thirty
// seconds: a bound on a broken test, not a claim about speed.
func Receive[T any](t testing.TB, ch <-chan T, about ...any) T {
	t.Helper()
	select {
	case v, ok := <-ch:
		if !ok {
			t.Fatalf("%schannel closed", prefix(about))
		}
		return v
	case <-time.After(patience):
		t.Fatalf("%snothing received", prefix(about))
	}
	panic("unreachable")
}

// Eventually waits until the condition holds, and ends the test when it does not in
// thirty seconds.
func Eventually(t testing.TB, condition func() bool, about ...any) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if condition() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%scondition never held", prefix(about))
		}
		time.Sleep(pause)
	}
}

// patience is long: many tests run at once, on machines that do other things.
const patience = 30 * time.Second

func prefix(about []any) string {
	if len(about) == 0 {
		return ""
	}
	if format, ok := about[0].(string); ok {
		return fmt.Sprintf(format, about[1:]...) + ": "
	}
	return fmt.Sprint(about...) + ": "
}
