"""Run the operator: ``python -m agentschedule``."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime

from agentschedule.handlers import operator
from agentschedule.settings import Settings


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def main() -> None:
    """Entry point. Exits 0 on a signal, 1 when something is broken that a new process may mend."""
    settings = Settings()
    _configure_logging(settings)
    try:
        asyncio.run(operator.run(settings))
    except KeyboardInterrupt:
        sys.exit(0)


def _configure_logging(settings: Settings) -> None:
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else text)
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    logging.getLogger("kopf").setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))


if __name__ == "__main__":
    main()
