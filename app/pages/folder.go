package pages

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
)

// Folder serves the files of a folder as they are at that moment: index.html for "/" and
// for folders inside. Folders without one, names that begin with a dot, and links that lead
// out of the folder are answered 404. The pages are somebody else's, so they are given no
// policy: one of their own can stand in a <meta> element. The folder is open until the
// process ends.
func Folder(dir string) (http.Handler, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	files := http.FileServerFS(shown{root.FS()})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache") // may be kept, and is asked about each time
		files.ServeHTTP(w, r)
	}), nil
}

// shown is a folder without what is not for everybody.
type shown struct{ fs.FS }

// Open implements [fs.FS].
func (s shown) Open(name string) (fs.File, error) {
	hidden := &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") && part != "." {
			return nil, hidden
		}
	}
	f, err := s.FS.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		return nil, hidden // a link that leads out, say
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		_, err = fs.Stat(s.FS, path.Join(name, "index.html"))
	}
	if err != nil {
		return nil, errors.Join(hidden, f.Close())
	}
	return f, nil
}
