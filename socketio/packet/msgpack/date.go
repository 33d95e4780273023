package msgpack

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// timestamp is the type of MessagePack's own extension for points in time.
const timestamp = -1

// maxDate is how many milliseconds from 1970 JavaScript counts to, in either direction.
const maxDate = 8.64e15

// milliseconds reads a date: notepack.io 2 writes a signed number of milliseconds, from
// version 3 on it writes one of the three forms of a timestamp. ok is false for any other
// extension. The result may be out of range.
func milliseconds(ext int8, k kind, b []byte) (ms float64, ok bool) {
	switch {
	case ext == 0 && k == fixed && len(b) == 8:
		return float64(int64(binary.BigEndian.Uint64(b))), true
	case ext != timestamp:
		return 0, false
	case len(b) == 4:
		return float64(binary.BigEndian.Uint32(b)) * 1e3, true
	case len(b) == 8:
		n := binary.BigEndian.Uint64(b)
		return float64(n&(1<<34-1))*1e3 + float64(n>>34)/1e6, true
	case len(b) == 12:
		seconds := int64(binary.BigEndian.Uint64(b[4:]))
		return float64(seconds)*1e3 + float64(binary.BigEndian.Uint32(b))/1e6, true
	}
	return 0, false
}

// appendDate appends what a JavaScript Date is in JSON.
func appendDate(dst []byte, ms float64) []byte {
	if ms = math.Trunc(ms); math.Abs(ms) > maxDate {
		return append(dst, "null"...)
	}
	t := time.UnixMilli(int64(ms)).UTC()
	dst = append(dst, '"')
	if year := t.Year(); year >= 0 && year <= 9999 {
		dst = t.AppendFormat(dst, "2006")
	} else {
		dst = fmt.Appendf(dst, "%+07d", year)
	}
	return t.AppendFormat(dst, `-01-02T15:04:05.000Z"`)
}
