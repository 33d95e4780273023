package server

import "github.com/kachi-io/kachi/gateway/schedule"

// Tidying is the job that forgets what has expired.
func (s *Server) Tidying() *schedule.Job { return s.tidying }
