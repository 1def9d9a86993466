"""What Prometheus is told."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("dramatis_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("dramatis_http_request_seconds", "Time to the response's headers.", ["method", "route"])
GENERATIONS = Counter("dramatis_generations_total", "Calls of the model, by how they ended.", ["status"])
GENERATION_SECONDS = Histogram(
    "dramatis_generation_seconds", "Length of a call of the model.", buckets=(0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600)
)
LIVE = Gauge("dramatis_generations_live", "Calls of the model under way in this process.")
