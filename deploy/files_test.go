package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/kachi-io/kachi/app/config"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/external"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	assert.NoError(t, err)
	return string(text)
}

// shipped are all files that people take from here.
func shipped(t *testing.T) (paths []string) {
	t.Helper()
	assert.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) != ".go" {
			paths = append(paths, path)
		}
		return err
	}))
	return append(paths, "../docs/deploy.md")
}

var variable = regexp.MustCompile(`\bKACHI_[A-Z][A-Z_]*[A-Z]\b`)

func TestSettingsThatFilesNameAreThere(t *testing.T) {
	known := map[string]bool{}
	for _, s := range config.Settings() {
		known[s.Env] = true
	}
	found := 0
	for _, path := range shipped(t) {
		for _, name := range variable.FindAllString(read(t, path), -1) {
			found++
			if name == "KACHI_PORT" { // Kubernetes' own, which is kept away
				continue
			}
			assert.True(t, known[name], path+": there is no setting "+name)
		}
	}
	assert.True(t, found > 20)
}

func TestFlagsThatTheGuideNamesAreThere(t *testing.T) {
	known := map[string]bool{}
	for _, s := range config.Settings() {
		known[s.Name] = true
	}
	others := []string{"build", "detach", "from-literal", "now", "ready", "url", "rm", "single-transaction"} // other programs', and those of kachi health
	for _, flag := range regexp.MustCompile("--[a-z][a-z-]+").FindAllString(read(t, "../docs/deploy.md"), -1) {
		name := strings.TrimPrefix(flag, "--")
		assert.True(t, known[name] || slices.Contains(others, name), "docs/deploy.md: there is no flag "+flag)
	}
}

// documents reads all YAML documents of a file.
func documents(t *testing.T, path string) (all []map[string]any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, path)))
	for {
		var one map[string]any
		err := d.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		assert.NoError(t, err, path)
		all = append(all, one)
	}
}

// at walks into a document.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			assert.True(t, ok, step)
			v, ok = m[step]
			assert.True(t, ok, "there is no "+step)
		case int:
			list, ok := v.([]any)
			assert.True(t, ok && step < len(list), path)
			v = list[step]
		}
	}
	return v
}

// starts holds settings to what the server would say of them.
func starts(t *testing.T, environment map[string]any) *config.Loaded {
	t.Helper()
	loaded, err := config.Load(config.Sources{Env: func(name string) (string, bool) {
		v, ok := environment[name].(string)
		if before, rest, found := strings.Cut(v, "${"); found { // compose's own
			_, after, _ := strings.Cut(rest, "}")
			v = before + "0123456789" + after
		}
		return v, ok
	}})
	assert.NoError(t, err)
	return loaded
}

func TestCompose(t *testing.T) {
	all := documents(t, "compose.yaml")
	assert.Equal(t, len(all), 1)
	c := all[0]
	kachi := at(t, c, "services", "kachi")
	settings := starts(t, at(t, kachi, "environment").(map[string]any))
	assert.Equal(t, settings.Addr, ":3000")
	assert.Equal(t, settings.SocketAddr, ":3030")
	subnet := at(t, c, "networks", "server", "ipam", "config", 0, "subnet").(string)
	assert.Equal(t, settings.TrustedProxies[0].String(), subnet, "nginx is believed")
	for name, service := range at(t, c, "services").(map[string]any) {
		assert.Equal(t, at(t, service, "networks", 0).(string), "server", name)
	}
	upstreams := read(t, "nginx/kachi/upstreams.conf")
	for _, server := range []string{"server kachi" + settings.Addr + ";", "server kachi" + settings.SocketAddr + ";"} {
		assert.True(t, strings.Contains(upstreams, server), server)
	}
	for _, volume := range at(t, c, "services", "nginx", "volumes").([]any) {
		here, there, _ := strings.Cut(volume.(string), ":")
		_, err := os.Stat(here)
		assert.NoError(t, err)
		assert.True(t, strings.HasPrefix(there, "/etc/nginx/"), there)
	}
	assert.Equal(t, at(t, c, "services", "nginx", "ports", 0).(string), "80:80", "the only way in")
	for name, service := range at(t, c, "services").(map[string]any) {
		_, published := service.(map[string]any)["ports"]
		assert.Equal(t, published, name == "nginx", name)
	}
	dockerfile := read(t, filepath.Join("..", at(t, kachi, "build", "dockerfile").(string)))
	exposed := fmt.Sprintf("\nEXPOSE %s %s\n", strings.TrimPrefix(settings.Addr, ":"), strings.TrimPrefix(settings.SocketAddr, ":"))
	assert.True(t, strings.Contains(dockerfile, exposed), exposed)
}

// nginx gives up no later than the server.
func TestTimeOutsOfNginxAreAboveTheHeartbeat(t *testing.T) {
	settings := starts(t, nil)
	beat := int((settings.PingInterval + settings.PingTimeout).Seconds())
	assert.Equal(t, beat, 45)
	assert.True(t, strings.Contains(read(t, "nginx/conf.d/kachi.conf"), "proxy_read_timeout 60s;"))
	ingress := documents(t, "kubernetes/ingress.yaml")[0]
	assert.Equal(t, at(t, ingress, "metadata", "annotations", "nginx.ingress.kubernetes.io/proxy-read-timeout").(string), "60")
}

// What a poll is answered, and what is posted, waits in no buffer and in no file of nginx's.
func TestNginxBuffersNothingOfSockets(t *testing.T) {
	_, block, found := strings.Cut(read(t, "nginx/conf.d/kachi.conf"), "\n    location /socket.io/ {\n")
	assert.True(t, found)
	block, _, _ = strings.Cut(block, "\n    }\n")
	for _, want := range []string{"proxy_buffering off;", "proxy_request_buffering off;"} {
		assert.True(t, strings.Contains(block, want), want)
	}
}

func TestKubernetes(t *testing.T) {
	kinds := map[string]map[string]any{}
	for _, name := range at(t, documents(t, "kubernetes/kustomization.yaml")[0], "resources").([]any) {
		for _, d := range documents(t, filepath.Join("kubernetes", name.(string))) {
			kinds[d["kind"].(string)] = d
			assert.Equal(t, at(t, d, "metadata", "name").(string), "kachi")
		}
	}
	files, err := filepath.Glob("kubernetes/*.yaml")
	assert.NoError(t, err)
	assert.Equal(t, len(kinds), len(files)-1, "kustomization.yaml names all files")

	settings := starts(t, at(t, kinds["ConfigMap"], "data").(map[string]any))
	pod := at(t, kinds["Deployment"], "spec", "template", "spec")
	container := at(t, pod, "containers", 0)
	ports := map[string]string{}
	for _, p := range at(t, container, "ports").([]any) {
		ports[at(t, p, "name").(string)] = ":" + yamlText(t, at(t, p, "containerPort"))
	}
	assert.Equal(t, ports["http"], settings.Addr)
	assert.Equal(t, ports["private"], settings.PrivateAddr)
	for probe, path := range map[string]string{"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"} {
		assert.Equal(t, at(t, container, probe, "httpGet", "path").(string), path)
		assert.Equal(t, at(t, container, probe, "httpGet", "port").(string), "private")
	}
	patience := settings.DrainDelay + settings.ShutdownTimeout
	assert.True(t, at(t, pod, "terminationGracePeriodSeconds").(int) > int(patience.Seconds()), "it is not killed before it has ended")
	failures := at(t, container, "readinessProbe", "failureThreshold").(int) * at(t, container, "readinessProbe", "periodSeconds").(int)
	assert.True(t, failures < int(settings.DrainDelay.Seconds()), "that it stops is seen before it does")

	limit := mebibytes(t, at(t, container, "resources", "limits", "memory"))
	goes := at(t, container, "env", 0)
	assert.Equal(t, at(t, goes, "name").(string), "GOMEMLIMIT")
	assert.True(t, mebibytes(t, at(t, goes, "value")) < limit, "Go collects before it is killed")
	asked := mebibytes(t, at(t, container, "resources", "requests", "memory"))
	assert.True(t, asked >= 64 && asked < limit, "what it rests with, and a password")

	labels := at(t, kinds["Deployment"], "spec", "template", "metadata", "labels")
	assert.Equal(t, at(t, kinds["Deployment"], "spec", "selector", "matchLabels"), labels)
	assert.Equal(t, at(t, kinds["Service"], "spec", "selector"), labels)
	assert.Equal(t, at(t, kinds["PodDisruptionBudget"], "spec", "selector", "matchLabels"), labels)
	port := at(t, kinds["Service"], "spec", "ports", 0)
	assert.True(t, ports[at(t, port, "targetPort").(string)] != "")
	backend := at(t, kinds["Ingress"], "spec", "rules", 0, "http", "paths", 0, "backend", "service")
	assert.Equal(t, at(t, backend, "port", "name"), at(t, port, "name"))
	assert.Equal(t, at(t, pod, "securityContext", "runAsNonRoot").(bool), true)
	assert.Equal(t, at(t, container, "securityContext", "readOnlyRootFilesystem").(bool), true)
	claim := at(t, kinds["PersistentVolumeClaim"], "metadata", "name")
	assert.Equal(t, at(t, pod, "volumes", 0, "persistentVolumeClaim", "claimName"), claim)
	assert.True(t, strings.Contains(read(t, "Dockerfile"), "KACHI_DATA="+at(t, container, "volumeMounts", 0, "mountPath").(string)+" "))
}

// mebibytes reads "64Mi", as Kubernetes writes it, and "64MiB", as Go does.
func mebibytes(t *testing.T, v any) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(v.(string), "B"), "Mi"))
	assert.NoError(t, err)
	return n
}

func yamlText(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	assert.NoError(t, err)
	return string(bytes.TrimSpace(text))
}

// What the image is built of has to be there, and stay out of what is sent to the builder
// where it is made anew.
func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != "COPY" || strings.HasPrefix(fields[1], "--") {
			continue
		}
		for _, path := range fields[1 : len(fields)-1] {
			_, err := os.Stat(filepath.Join("..", path))
			assert.NoError(t, err, line)
		}
	}
	stages := map[string]bool{}
	for _, stage := range regexp.MustCompile(`(?m)^FROM .* AS (\w+)$`).FindAllStringSubmatch(text, -1) {
		stages[stage[1]] = true
	}
	for _, from := range regexp.MustCompile(`--from=(\w+)`).FindAllStringSubmatch(text, -1) {
		assert.True(t, stages[from[1]], "there is no stage "+from[1])
	}
	engine := regexp.MustCompile(`"node": ">=(\d+)`).FindStringSubmatch(read(t, "../web/package.json"))
	node := regexp.MustCompile(`node:(\d+)-`).FindStringSubmatch(text)
	assert.True(t, engine != nil && node != nil && node[1] >= engine[1], "the Node that the pages want")
	for _, image := range regexp.MustCompile(`(?m)^FROM (?:--\S+ )?(\S+)`).FindAllStringSubmatch(text, -1) {
		_, tag, _ := strings.Cut(image[1], ":")
		assert.True(t, tag != "" && tag != "latest", image[1])
	}
	module := read(t, "../go.mod")
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(module)[1]
	assert.True(t, strings.Contains(text, "golang:"+version+"-"), "the Go that go.mod wants: "+version)
	assert.True(t, strings.Contains(text, "\nUSER 65532:65532\n"))
	ignored := strings.Fields(read(t, "../.dockerignore"))
	for _, path := range []string{".git", "**/node_modules", "data", "bin"} {
		assert.True(t, slices.Contains(ignored, path), path)
	}
}

// The unit is read by systemd itself, which knows its settings, and what it leaves to a server
// that somebody has taken over.
func TestUnit(t *testing.T) {
	text := read(t, "kachi.service")
	for _, want := range []string{"DynamicUser=yes", "StateDirectory=kachi", "Environment=KACHI_DATA=%S/kachi ", "NoNewPrivileges=yes", "ProtectSystem=strict", "\nExecStart=/usr/local/bin/kachi serve\n"} {
		assert.True(t, strings.Contains(text, want), want)
	}
	stop := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(text)
	assert.True(t, stop != nil)
	patience, err := strconv.Atoi(stop[1])
	assert.NoError(t, err)
	settings := starts(t, nil)
	assert.True(t, patience > int((settings.DrainDelay+settings.ShutdownTimeout).Seconds()), "it is not killed before it has ended")

	analyze := external.Packaged(t, "systemd", "systemd-analyze")
	unit := filepath.Join(t.TempDir(), "kachi.service") // the program is not installed here
	assert.NoError(t, os.WriteFile(unit, []byte(strings.Replace(text, "ExecStart=/usr/local/bin/kachi", "ExecStart=/bin/true", 1)), 0o644))
	out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput()
	assert.NoError(t, err, string(out))
	assert.True(t, !strings.Contains(string(out), "kachi.service"), string(out))
	out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=20", unit).CombinedOutput() // 20 is 2.0
	assert.NoError(t, err, string(out))
}
