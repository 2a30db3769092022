"""One call from its arguments to its result: context, middleware, confirmation, idempotency, audit."""
