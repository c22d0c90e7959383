"""What tests share: real storage, real servers, real commands."""
