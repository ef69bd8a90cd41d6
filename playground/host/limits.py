"""How much, how often, how long: every limit of the host and its doors, with its reason."""

FRAME_GAP_MS = 50  # at most 20 frames a second: smooth for eyes, light for browsers
BEAT_MS = 1_000  # a quiet host says that it is there
HOST_GONE_MS = 3_500  # three beats missed
OUTBOX_MAX = 1_000  # messages that wait for Redis; then the oldest are dropped, and viewers ask for a snapshot
FRAMES_AHEAD_MAX = 60  # three seconds of frames that a viewer has not confirmed; then it gets one fresh snapshot instead
ANSWER_SECONDS_MAX = 25  # of the host to the web: longer than a broker's controlled shutdown
HOST_SECONDS_MAX = 3.0  # to say that it is there
ASK_AGAIN_SECONDS = 0.3  # a question is lost when the host was not listening yet
CLIENTS_GOODBYE_SECONDS_MAX = 0.8  # the worker ends together with the host; its consumers leave their groups before brokers go
FACTS_A_SEGMENT = 5_000  # lines of one journal file, about 2 MB
SEGMENTS_KEPT = 8  # 40,000 facts can be looked back on; more than a day of lessons
FACTS_LOOKED_BACK_ON = 1_000  # read again at a start: enough for new viewers and for causes; the rest stays on disk
MINUTE_SECONDS = 60  # counted for viewers to come: what the charts show
FACTS_AN_ANSWER_MAX = 1_000  # of GET /api/facts
CLIENT_START_SECONDS_MAX = 30  # a cold worker needs some seconds before it takes tasks
CLIENT_ORDER_SECONDS_MAX = 10  # closing flushes and leaves a group, which asks brokers
CLIENT_SILENT_MS_MAX = 4_000  # reports come four times a second; then its worker is gone
FIRST_START_SECONDS_MAX = 60  # until brokers take commands
SHUTDOWN_SECONDS_MAX = 4.6  # the launcher kills after five
