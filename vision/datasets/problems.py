"""What can be wrong with the files of a dataset, in one vocabulary for every source."""

from __future__ import annotations

from dataclasses import dataclass, field

from vision.validation.report import Finding, Severity

# Check name -> severity, and what the listed files (or folders) are.
PROBLEMS: dict[str, tuple[Severity, str]] = {
    "corrupt_images": ("error", "images that are damaged or cut short"),
    "empty_files": ("error", "files of 0 bytes"),
    "not_images": ("warning", "files that are no image of a supported format"),
    "too_large_images": ("error", "images above the size limit"),
    "unreadable_files": ("error", "files or folders that cannot be read"),
    "missing_files": ("error", "files that the table names but that do not exist"),
    "refused_links": ("error", "links that are broken, lead outside, or point to a folder"),
    "special_files": ("error", "pipes, sockets or devices"),
    "outside_root": ("error", "paths of the table that are not below its folder"),
    "duplicate_rows": ("error", "paths that the table names more than once"),
    "unlabelled_images": ("error", "rows of the table without a label"),
    "empty_classes": ("warning", "class folders without a usable image"),
    "nested_folders": ("warning", "folders inside a class folder"),
    "outside_classes": ("warning", "files or folders that belong to no class"),
    "hidden_files": ("info", "hidden files or system files"),
    "ignored_columns": ("info", "columns of the table that are not used"),
    "label_clashes": ("warning", "class names that differ only in case or Unicode form"),
    "name_clashes": ("warning", "names that differ only in case or Unicode form"),
}
# The same, of one.
_ONE = {
    "corrupt_images": "image that is damaged or cut short",
    "empty_files": "file of 0 bytes",
    "not_images": "file that is no image of a supported format",
    "too_large_images": "image above the size limit",
    "unreadable_files": "file or folder that cannot be read",
    "missing_files": "file that the table names but that does not exist",
    "refused_links": "link that is broken, leads outside, or points to a folder",
    "special_files": "pipe, socket or device",
    "outside_root": "path of the table that is not below its folder",
    "duplicate_rows": "path that the table names more than once",
    "unlabelled_images": "row of the table without a label",
    "empty_classes": "class folder without a usable image",
    "nested_folders": "folder inside a class folder",
    "outside_classes": "file or folder that belongs to no class",
    "hidden_files": "hidden file or system file",
    "ignored_columns": "column of the table that is not used",
    "label_clashes": "class name that differs only in case or Unicode form",
    "name_clashes": "name that differs only in case or Unicode form",
}
# These are about names in a table, not about files: there is nothing to look at or to leave out.
_NOT_FILES = ("ignored_columns", "label_clashes")
_MOST_NAMES = 10
_REASONS = {
    "empty": "empty_files",
    "unknown_format": "not_images",
    "corrupt": "corrupt_images",
    "truncated": "corrupt_images",
    "too_large": "too_large_images",
}


@dataclass
class Problems:
    """Collects problems by check while a dataset is read.

    Attributes:
      paths: check name to relative paths (or names), each with a sentence that may be empty.
    """

    paths: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, check: str, path: str, why: str = "") -> None:
        """Notes that ``check`` found ``path``."""
        if check not in PROBLEMS:
            raise KeyError(check)
        self.paths.setdefault(check, {})[path] = why

    def add_image_error(self, reason: str, path: str, why: str) -> None:
        """Notes a file whose bytes gave an ``ImageError`` of this reason."""
        self.add(_REASONS[reason], path, why)

    def findings(self) -> tuple[Finding, ...]:
        """Returns one finding per check that found something, in the order of ``PROBLEMS``."""
        return tuple(self._finding(check) for check in PROBLEMS if check in self.paths)

    def _finding(self, check: str) -> Finding:
        severity, many = PROBLEMS[check]
        paths = self.paths[check]
        counted = f"{len(paths):,} {_ONE[check] if len(paths) == 1 else many}"
        if check in _NOT_FILES:
            first_names = sorted(paths)[:_MOST_NAMES]
            named = "; ".join(f"{name} {paths[name]}".strip() for name in first_names)
            message = f"{counted}: {named}"
            return Finding(check=check, severity=severity, message=message, value=float(len(paths)))
        first = min(paths)
        example = f"{first}: {paths[first]}" if paths[first] else first
        verb = "kept" if check == "name_clashes" else "left out"
        return Finding(
            check=check,
            severity=severity,
            message=f"{counted} ({verb}), for example {example}",
            images=tuple(sorted(paths)),
            value=float(len(paths)),
        )
