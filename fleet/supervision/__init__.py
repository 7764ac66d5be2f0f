"""The fleet's processes under supervisord: from the Procfile to what runs."""
