"""`restem ls`: what lies in a store."""

from __future__ import annotations

import argparse

from flows.cli.arguments import store_argument, store_of
from flows.cli.command import command


def show_listing(arguments: argparse.Namespace) -> int:
    store = store_of(arguments)
    from flows.cli.text import listing_text, show
    from flows.stored.ls import list_store

    return show(arguments, made := list_store(store), lambda: listing_text(made))


COMMAND = command("ls", "runs, models and sizes", store_argument, show_listing, place=50)
