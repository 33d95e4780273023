package engineio

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// compressor is the common part of gzip.Writer and zlib.Writer. One weighs several
// hundred kilobytes, so they are pooled and hold on to nothing between two answers.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

var compressors = map[string]*sync.Pool{
	"gzip":    {New: func() any { return gzip.NewWriter(nil) }},
	"deflate": {New: func() any { return zlib.NewWriter(nil) }}, // HTTP's "deflate" is zlib (RFC 9110, 8.4.1.2)
}

// compress appends the encoded body to dst.
func compress(dst *bytes.Buffer, encoding string, body []byte) error {
	pool := compressors[encoding]
	c := pool.Get().(compressor)
	defer pool.Put(c)
	c.Reset(dst)
	if _, err := c.Write(body); err != nil {
		return err
	}
	return c.Close()
}

// acceptedEncoding chooses gzip or deflate by Accept-Encoding (RFC 9110, 12.5.3): the
// higher weight, gzip when they are equal, "" when the client wants neither.
func acceptedEncoding(header []string) string {
	weights := map[string]float64{}
	for _, v := range header {
		for field := range strings.SplitSeq(v, ",") {
			name, params, _ := strings.Cut(field, ";")
			q := 1.0
			for param := range strings.SplitSeq(params, ";") {
				if k, v, ok := strings.Cut(strings.TrimSpace(param), "="); ok && strings.EqualFold(k, "q") {
					if parsed, err := strconv.ParseFloat(v, 64); err == nil {
						q = parsed
					}
				}
			}
			weights[strings.ToLower(strings.TrimSpace(name))] = q
		}
	}
	weight := func(encoding string) float64 {
		if q, ok := weights[encoding]; ok {
			return q
		}
		return weights["*"]
	}
	gzip, deflate := weight("gzip"), weight("deflate")
	switch {
	case gzip > 0 && gzip >= deflate:
		return "gzip"
	case deflate > 0:
		return "deflate"
	}
	return ""
}
