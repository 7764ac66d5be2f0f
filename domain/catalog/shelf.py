"""A product's stock while a batch of jobs decides about it. Pure."""


class Shelf:
    """What is known of a locked product, and what is left of it as jobs take and give back.

    ``sold`` is by how much its all-time sales move; ``max_per_user`` None: as many as there are.
    """

    __slots__ = ("max_per_user", "name", "opening", "price", "product_id", "sold", "stock")

    def __init__(
        self, product_id: int, name: str, price: int, stock: int, max_per_user: int | None = None
    ) -> None:
        self.product_id = product_id
        self.name = name
        self.price = price
        self.opening = stock
        self.stock = stock
        self.max_per_user = max_per_user
        self.sold = 0

    def take(self, quantity: int) -> None:
        """Sell so many. The caller has looked that they are there; ValueError if they are not."""
        if quantity > self.stock:
            raise ValueError(f"{quantity} of product {self.product_id}, of which {self.stock} are")
        self.stock -= quantity
        self.sold += quantity

    def put_back(self, quantity: int) -> None:
        """Take so many back from an order that is cancelled: never refused."""
        self.stock += quantity
        self.sold -= quantity
