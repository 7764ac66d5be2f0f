"""What is thrown away, and when: ended jobs, published events, synced exports, expired keys."""
