"""The shipped price list, loaded when the first model span ends that needs it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain

if TYPE_CHECKING:
    from spanbridge.list_prices import Provider
    from spanbridge.model.attributes import CostContext
    from spanbridge.model.usage import UsageDict

POLL_S = 0.02


class Prices:
    """Prices tokens, as `cost.PriceTable` does, once its list is there.

    The list loads on a thread of its own, so that whoever waits for it can give up: it is there in a moment, but not where the package has
    to read it itself or the disk is slow. A process that exits has little time, and its spans are worth more than their cost.
    """

    def __init__(self, prices: dict[str, Any]) -> None:
        """`prices`: the user's own rows; ConfigurationError where one is wrong."""
        self._rows = prices
        self._cost: Any = None
        self._providers: list[Provider] | None = None
        self._give_up_at: float | None = None
        self._loading: threading.Thread | None = None
        if prices:
            self._table()

    def hurry(self, deadline: float) -> None:
        """From now on waits for the list no longer than half of the time until `deadline` (on the monotonic clock)."""
        now = time.monotonic()
        self._give_up_at = now + (deadline - now) / 2

    def cost(self, *, model: str | None, provider: str | None, usage: UsageDict | None, started_at: int) -> CostContext:
        """As `PriceTable.cost`; the pipeline's `price`."""
        cost = self._cost or self._table()
        return cost(model=model, provider=provider, usage=usage, started_at=started_at)

    def _table(self) -> Any:
        from spanbridge.cost import PriceTable  # noqa: PLC0415 - not for applications without model spans

        self._cost = PriceTable(self._rows, self._shipped).cost
        return self._cost

    def _shipped(self) -> list[Provider] | None:
        """The shipped list; None where there was no time to load it."""
        loading = self._loading
        # A forked child has no thread of its parent's.
        if self._providers is None and (loading is None or not loading.is_alive()):
            loading = threading.Thread(target=self._load, name="spanbridge-prices", daemon=True)
            try:
                loading.start()
            except RuntimeError:  # since Python 3.12 none can be started while the interpreter exits
                self._load()
                return self._providers
            self._loading = loading
        while self._providers is None and loading is not None and loading.is_alive():
            loading.join(POLL_S)
            if self._give_up_at is not None and time.monotonic() > self._give_up_at:
                break
        return self._providers

    def _load(self) -> None:
        try:
            from spanbridge.cost import shipped_prices  # noqa: PLC0415

            self._providers = shipped_prices()
        except Exception as error:  # noqa: BLE001 - tried again with the next model span
            contain("loading prices", error)
