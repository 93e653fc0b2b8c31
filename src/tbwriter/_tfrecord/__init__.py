"""TFRecord: the frame around each event, with its masked CRC-32C."""
