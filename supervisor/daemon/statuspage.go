package daemon

import (
	"net/http"
	"sync/atomic"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// statusPage serves the pair's state to browsers. Where nobody wants it there is no page.
type statusPage struct {
	outlet
	page atomic.Pointer[http.Handler]
}

func newStatusPage(warn func(string)) *statusPage {
	x := &statusPage{}
	x.open("status page", x, nil, warn)
	return x
}

// ServeHTTP answers with the page.
func (x *statusPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if page := x.page.Load(); page != nil {
		(*page).ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// openOutlets makes what answers strangers.
func (d *Daemon) openOutlets() {
	d.metrics = newExporter(inherited(), d.page, func(text string) { d.warn(logbook.NoMetrics, text) })
	d.pages = newStatusPage(func(text string) { d.warn(logbook.NoStatusPage, text) })
	d.placeOutlets(d.opts.Source)
}

// placeOutlets has the metrics and the status page told where a configuration says. They may
// share a place.
func (d *Daemon) placeOutlets(src Source) {
	var page, beside http.Handler
	place := src.Page
	if place != "" && d.opts.Page != nil {
		page = d.opts.Page(d.Status)
	}
	if place == src.Metrics.Listen {
		place, beside = "", page
	}
	d.metrics.configure(src.Metrics, beside)
	if place == "" || page == nil {
		d.pages.page.Store(nil)
		d.pages.move("")
		return
	}
	d.pages.page.Store(&page)
	d.pages.move(place)
}

func (d *Daemon) closeOutlets() {
	d.metrics.close()
	d.pages.close()
}
