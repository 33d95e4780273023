package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio"
)

// problem is the body of an answer that is an error: that of gateways, with its status.
type problem struct {
	*socketio.ErrorBody
	status int
}

func (p *problem) Error() string  { return p.Message }
func (p *problem) GetStatus() int { return p.status }

func problemOf(err error, route string) *problem {
	body := socketio.PublicError(err, route)
	return &problem{body, gateway.HTTPStatus(body.Code)}
}

// withHeaders adds what callers are told in headers as well, as [gateway.WriteError] does.
func withHeaders(p *problem, err error) error {
	header := http.Header{}
	if p.Code == gateway.CodeUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	if d := gateway.RetryAfter(err); d > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
	}
	return huma.ErrorWithHeaders(p, header)
}

// Codes of what is refused before a handler is asked, where gateways have none.
const (
	CodeTooLarge    = "too_large"              // the body
	CodeMethod      = "method_not_allowed"     // the path has other methods: header Allow
	CodeMediaType   = "unsupported_media_type" // the body is not JSON
	CodeUnspeakable = "not_acceptable"         // the answer would not be one that is accepted
)

// huma asks this function for all errors that it has itself. It belongs to the whole
// program, in which this package alone uses huma.
func init() {
	huma.NewErrorWithContext = func(c huma.Context, status int, message string, errs ...error) huma.StatusError {
		route := ""
		if c != nil && c.Operation() != nil {
			route = c.Operation().Method + " " + c.Operation().Path
		}
		return refusal(status, message, route, errs)
	}
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return refusal(status, message, "", errs)
	}
}

func refusal(status int, message, route string, errs []error) *problem {
	coded := gateway.NewError(gateway.CodeBadRequest, sentence(message))
	switch status {
	case http.StatusUnprocessableEntity:
		coded = gateway.Invalid(fields(errs)...)
		status = http.StatusBadRequest
	case http.StatusRequestEntityTooLarge:
		coded.Code = CodeTooLarge
	case http.StatusUnsupportedMediaType:
		coded.Code, coded.Message = CodeMediaType, "The body has to be application/json"
	case http.StatusNotAcceptable:
		coded.Code = CodeUnspeakable
	case http.StatusRequestTimeout:
		coded.Code, coded.Message = gateway.CodeTimeout, "The body did not come in time"
	case http.StatusBadRequest:
		if list := fields(errs); len(list) > 0 { // what is wrong with the JSON
			coded.Message = list[0].Message
		}
	default:
		return problemOf(errors.New(message), route)
	}
	return &problem{socketio.PublicError(coded, route), status}
}

// fields tells what is wrong with which field, and nothing of what was sent.
func fields(errs []error) []gateway.FieldError {
	const most = 20
	var list []gateway.FieldError
	for _, err := range errs {
		if len(list) == most {
			break
		}
		var d huma.ErrorDetailer
		if !errors.As(err, &d) {
			list = append(list, gateway.FieldError{Rule: "invalid", Message: sentence(err.Error())})
			continue
		}
		detail := d.ErrorDetail()
		path := detail.Location
		for _, prefix := range []string{"body.", "path.", "query.", "header."} {
			path = strings.TrimPrefix(path, prefix)
		}
		list = append(list, gateway.FieldError{Path: path, Rule: "invalid", Message: sentence(detail.Message)})
	}
	return list
}

func sentence(message string) string {
	if message == "" {
		return message
	}
	return strings.ToUpper(message[:1]) + message[1:]
}
