"""What comes out of Kafka: one process, one file a consumer."""
