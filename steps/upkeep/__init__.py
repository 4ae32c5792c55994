"""What nothing needs any more: found, judged, and removed when a person says so."""
