module github.com/gatehouse-id/gatehouse/examples/chi

go 1.26.0

replace github.com/gatehouse-id/gatehouse => ../..

require (
	github.com/gatehouse-id/gatehouse v0.0.0
	github.com/go-chi/chi/v5 v5.5.0
)
