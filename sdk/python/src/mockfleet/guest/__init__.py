"""Holds the exports of a plugin. `mockfleet.build` copies them next to the SDK and the author's
files; componentize-py makes their imports."""
