"""What a plugin is made of beside the SDK and the author's own files. Copied next to them by
`mockfleet.build`; its imports are made by componentize-py."""
