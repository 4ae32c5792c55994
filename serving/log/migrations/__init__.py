"""How the database gets from one released form to the next; :mod:`serving.log.migrate` runs it.

There is no ``env.py`` and no ``alembic.ini``: a bento carries this package alone, and the service
migrates by itself. A new form is a new file in ``versions/``; a test compares the newest one with
:mod:`serving.log.tables`.
"""
