"""Times are UTC everywhere, and say so."""

DATE_FORMAT = "d.m.Y"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = r"d.m.Y H:i \U\T\C"
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
# The month in the case that follows a day.
MONTH_DAY_FORMAT = "j E"
