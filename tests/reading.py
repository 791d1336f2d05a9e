"""Files that tests of the readers write and read."""

from threelines.platforms.read import ReadReport, read


def records(path, **options):
    """Read one file with ids kept; return (records, report)."""
    report = ReadReport()
    return list(read([path], report=report, reveal=True, **options)), report


def file_of(tmp_path, name, content):
    """Write a file and return its path."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
