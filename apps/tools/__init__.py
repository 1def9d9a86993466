"""Tools: what characters can do beside talking, on behalf of their owner."""
