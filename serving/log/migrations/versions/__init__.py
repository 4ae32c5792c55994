"""One file for each released form of the database; none is changed after its release."""
