"""How each type that passes between steps is kept in the artifact store.

Every materializer writes through the artifact store, so a remote one works as well; knows a content
hash, so that steps are cached by what their inputs are rather than by when they were made; and
saves something to look at in the dashboard. Nothing is ever pickled.
"""
