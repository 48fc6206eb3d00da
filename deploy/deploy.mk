# The development environment and the demo; deploy/dev/env --help says what there is besides.

.PHONY: dev-up dev-down dev-status dev-reset demo
dev-up: ## start Kafka, PostgreSQL and Redis in .dev, make the topics
	deploy/dev/env up
	deploy/dev/env topics

dev-down: ## stop them; their state stays
	deploy/dev/env down

dev-status: ## what runs where
	deploy/dev/env status

dev-reset: ## stop them and delete their state
	deploy/dev/env reset

demo: ## a shop's month from Kafka to rewards, in a minute
	deploy/demo
