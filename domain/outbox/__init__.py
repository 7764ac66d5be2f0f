"""Events: written with their effect in one transaction, carried to Kafka by the relay."""
