"""Stand-ins for what is not ours, for development and tests. No part of the shop imports them."""
