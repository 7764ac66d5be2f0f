"""MariaDB, Redis and Kafka: private instances on loopback, Docker Compose's, or given by URL."""
