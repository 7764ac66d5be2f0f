"""What the wallet refuses."""

from domain.kernel.errors import DomainError, InvalidRequest


class UserNotFound(DomainError):
    code, status, title = "U001", 404, "User not found"


class BalanceTooLow(DomainError):
    """PAY001, with ``requiredAmount`` and ``currentBalance`` in won."""

    code, status, title = "PAY001", 409, "Balance too low"

    def __init__(self, required: int, current: int) -> None:
        super().__init__(
            f"{required} won are needed and {current} are there.",
            requiredAmount=required,
            currentBalance=current,
        )


class PaymentRefused(DomainError):
    """PAY002: the payment provider declined; the detail is its reason."""

    code, status, title = "PAY002", 402, "Refused by the payment provider"


class BalanceTooHigh(InvalidRequest):
    """COMMON001: a charge that would lift a balance over its bound of 10¹⁵ won."""

    title = "Balance would be too high"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=[{"pointer": "/amount", "detail": detail}])
